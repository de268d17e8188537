"""The benchmark: Parley beside what one would take instead, on the same stores and under the same load.

`python3 dev.py bench`. `scenarios` says what is done, `servers` to whom, `load` is the client (a process of its
own), `baselines` is what Parley is compared with, `report` and `page` are what comes out.
"""
