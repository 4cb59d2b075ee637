"""Bridges to the intake interfaces that cities run today: HTTP in V22's words, GA/T 1400 objects.

A bridge is an application of the receiver library. A mapping file says how our case reads in the
city's words; a thin adapter makes the calls; a ledger knows what was asked and what was answered,
so that a case reaches the city once, whatever is killed or lost on the way.
"""
