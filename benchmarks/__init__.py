"""Measurements beside their peers: `python -m benchmarks [name …] [--quick]`. They print tables and write nothing."""
