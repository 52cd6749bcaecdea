#!/bin/bash
#SBATCH --job-name=cka
#SBATCH --cpus-per-task=8
#SBATCH --requeue
# One task of a Slurm array that compares many models: a shard of the minibatches.
#
#   job=$(sbatch --parsable --array=1-16 Examples/slurm/sweep.sh study models/* --passes 10)
#   sbatch --dependency="afterok:$job" --wrap 'cka merge study.shards/* --output study'
#
# The first argument names the study, the others are those of `cka sweep`. A task that is requeued goes on
# where it was stopped.

set -euo pipefail

study=${1:?"the first argument names the study"}
shift
# An array may begin anywhere and leave numbers out: 0-15, 10-160:10.
step=${SLURM_ARRAY_TASK_STEP:-1}
first=${SLURM_ARRAY_TASK_MIN:?"this is a task of an array: sbatch --array=1-16"}
index=$(((SLURM_ARRAY_TASK_ID - first) / step + 1))

mkdir -p "$study.shards"
# exec: the signals of the scheduler reach cka itself.
exec "${CKA:-cka}" sweep "$@" --shard "$index/$SLURM_ARRAY_TASK_COUNT" --output "$study.shards/$index"
