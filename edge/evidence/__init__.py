"""The signed chain (证据链): every case revision sealed and linked to the one before."""
