"""One settings file, one URL table, the WSGI door and the worker."""
