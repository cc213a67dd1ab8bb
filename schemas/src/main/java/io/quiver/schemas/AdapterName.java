package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** The name of an adapter, {@code namespace/name}: its identity over all versions, and the key of its events. */
public record AdapterName(String namespace, String name) implements Comparable<AdapterName> {
    public AdapterName {
        Names.require(namespace, "namespace");
        Names.require(name, "adapter name");
    }

    /**
     * Parses {@code namespace/name}.
     *
     * @throws IllegalArgumentException if there is not exactly one slash or a part is no name
     */
    @JsonCreator
    public static AdapterName parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || text.indexOf('/', slash + 1) >= 0) {
            throw new IllegalArgumentException("an adapter is named namespace/name, but this is '" + text + "'");
        }
        return new AdapterName(text.substring(0, slash), text.substring(slash + 1));
    }

    @JsonValue
    @Override
    public String toString() {
        return namespace + "/" + name;
    }

    @Override
    public int compareTo(AdapterName other) {
        int byNamespace = namespace.compareTo(other.namespace);
        return byNamespace != 0 ? byNamespace : name.compareTo(other.name);
    }
}
