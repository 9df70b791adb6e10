"""What is printed and stuck on the parcel where the carrier gives nothing: our own packing slip."""
