"""The page: a local web server on which people restore by ear and by eye.

- `copies`: copies that a browser can play, with what it draws of them
- `recordings`: recordings and what became of them, on disk
- `report`: a job's report, made when it is asked for
- `requests`: what the page asks for, as settings, and as the command line that does the same
- `worker`: the process that restores
- `tickets`: the jobs of the queue, as they are known and kept
- `queue`: their order, the process that does them, and what becomes of them
- `server`: the routes
- `run`: starts it
- `static`: the page itself; wavesurfer.js is vendored with its licence
"""
