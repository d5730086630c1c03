"""Finding damage, one kind a file. What is found is listed before anything is touched, and can be overruled."""
