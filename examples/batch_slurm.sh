#!/bin/bash
# Restores a folder on a Slurm cluster, a sixteenth of the files on each of sixteen machines:
#     sbatch examples/batch_slurm.sh tapes/ clean/
# Send it again after a time-out: what is done is known by its sidecar, and long files go on at their last finished block.
#SBATCH --job-name=audioprior
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --time=08:00:00
set -euo pipefail
audioprior batch "$1" --out "$2" --task "${3:-denoise}" --jobs "$SLURM_CPUS_PER_TASK" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_MAX" --json
