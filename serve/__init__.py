"""The cell's HTTP API: one ASGI app (`app.py`) behind two doors (`ray_door.py`). A folder for each noun."""
