"""What all stages and evaluations stand on: recipe, trainer, processes, frozen parts."""
