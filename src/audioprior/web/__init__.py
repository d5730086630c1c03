"""The page: a local web server on which people restore by ear and by eye.

- `asking`: what the page asks for, as settings, and as the command line that does the same
- `listening`: copies that a browser can play, with what it draws of them
- `shelf`: recordings and results on disk
- `worker`: the process that restores
- `jobs`: the queue before it, and what it tells
- `server`: the routes
- `static`: the page itself; wavesurfer.js is vendored with its licence
"""
