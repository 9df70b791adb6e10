"""Labels: our own packing slip and parcel label drawn as PDF, PNG and ZPL; carriers' labels converted in a sandbox."""
