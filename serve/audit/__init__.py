"""The audit at the API's door: who asks, what is read and refused there, and searching what was kept."""
