"""The one configuration file: typed, bounded, explained."""
