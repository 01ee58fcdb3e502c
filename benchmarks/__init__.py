"""What cart_recovery costs the shop, and how fast it works. `python -m benchmarks --help`.

Modules come in pairs: one steers, in the main process; the other one works, in processes that it
starts (`workers.Worker`), each with a database and settings of its own.
"""
