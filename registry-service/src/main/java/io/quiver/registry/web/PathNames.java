package io.quiver.registry.web;

import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.schemas.AdapterName;

/** Names and numbers that stand in a path, decoded. */
final class PathNames {
    private PathNames() {}

    static AdapterName adapter(String namespace, String name) {
        try {
            return new AdapterName(namespace, name);
        } catch (IllegalArgumentException e) {
            throw new RegistryException(ProblemCode.NAME_INVALID, String.valueOf(e.getMessage()));
        }
    }

    static int version(String text) {
        // Nine digits always fit into an int.
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new RegistryException(
                    ProblemCode.REQUEST_INVALID, "a version is a number from 1, but this is '" + text + "'");
        }
        return Integer.parseInt(text);
    }
}
