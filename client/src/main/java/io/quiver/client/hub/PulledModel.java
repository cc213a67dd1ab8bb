package io.quiver.client.hub;

import java.nio.file.Path;

/**
 * A model that is on this machine.
 *
 * @param folder absolute; has all of its files
 * @param receivedBytes what came over the network this time; 0 if everything was here
 */
public record PulledModel(Path folder, long receivedBytes) {}
