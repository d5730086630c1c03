#!/bin/bash
# Restores a folder on a Ray cluster that shares a file system:
#     ray start --head                                  # on one machine
#     ray start --address=HEAD:6379                     # on all others
#     examples/batch_ray.sh /shared/tapes /shared/clean # on any of them
# Files of a lost machine are done by another. With GPUs, `--gpus 0.25` lets four files share one.
set -euo pipefail
audioprior batch "$1" --out "$2" --task "${3:-denoise}" --engine ray --address "${RAY_ADDRESS:-auto}" --json
