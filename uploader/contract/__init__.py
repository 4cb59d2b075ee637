"""The wire contract: models, JSON Schemas, AsyncAPI and golden messages.

``python -m uploader.contract`` writes the generated files, ``--check`` compares them, ``--freeze``
keeps the schemas of a version that is released.
"""
