"""What is done now and taken back some time after."""


class Later:
    def __init__(self, world, rng):
        self.world, self.rng, self.owed = world, rng, []

    def take_back(self, function, at_least, at_most):
        """Call it so many seconds from now, or when all is to be calm."""
        self.owed.append((self.world.seconds() + self.rng.uniform(at_least, at_most), function))

    def tick(self, all_=False):
        for until, function in list(self.owed):
            if all_ or until <= self.world.seconds():
                self.owed.remove((until, function))
                function()
