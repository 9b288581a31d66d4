"""The whole platform on one machine: real engines from wheels, and every process under one supervisor.

`engines.start(home)` gives tests and tools a PostgreSQL and a Valkey; `python -m local run` gives everything.
"""
