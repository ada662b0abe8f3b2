"""The fault rig: a whole site, faults, and a checker that decides whether anything was lost. `make faults` runs it."""
