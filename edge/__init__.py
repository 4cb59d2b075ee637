"""gridpatrol: street cameras in, case drafts out."""

__version__ = "0.1.0"
