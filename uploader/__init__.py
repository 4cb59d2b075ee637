"""Case drafts to the central platform: outbox, MQTT 5, the contract and its reference consumer.

At least once on the wire, one effect at the other end: an outbox row leaves only on an
application receipt, and the receiver stores each revision once.
"""
