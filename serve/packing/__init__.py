"""Papers that go with a parcel: packing slip, customs form, commercial invoice; as PDF."""
