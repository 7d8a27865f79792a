"""Four eyes: what somebody asks for, somebody else decides."""
