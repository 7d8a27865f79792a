"""The floor of a building: its switch, its queue and waves, and the trips on which pickers take what was scanned."""
