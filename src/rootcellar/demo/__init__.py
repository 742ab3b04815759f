"""The demonstration: a worker, real tasks and a store on this machine, in a directory that is gone afterwards."""
