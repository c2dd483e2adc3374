"""Running jobs on local processes or on a Dask cluster; what the jobs are for, nothing in here knows."""
