"""HTTP: web functions, the control server, transfers."""
