package io.quiver.registry;

import io.quiver.registry.Aliases.Alias;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Names;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import org.springframework.transaction.support.TransactionOperations;

/** Points an alias to a version, or takes it away, as one compare-and-set; routers hear of it through the catalogue. Thread-safe. */
public final class MoveAlias {
    /** Moves by itself: always the newest version that is ready. */
    public static final String LATEST = "latest";

    /** What must be true of the alias before it moves. */
    public interface Precondition {
        boolean holds(Optional<Alias> before);
    }

    /**
     * Where the alias points.
     *
     * @param created whether it was not there before
     */
    public record Outcome(Alias alias, boolean created) {}

    private final Adapters adapters;
    private final Aliases aliases;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public MoveAlias(
            Adapters adapters, Aliases aliases, Outbox outbox, TransactionOperations transactions, Clock clock) {
        this.adapters = adapters;
        this.aliases = aliases;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** @throws RegistryException if the version is not there or cannot be routed to, or the precondition does not hold */
    public Outcome move(AdapterName adapter, String alias, int version, Precondition precondition) {
        requireAlias(alias);
        requireAdapter(adapter);
        return Objects.requireNonNull(transactions.execute(status -> {
            adapters.lock(adapter, clock.instant());
            AdapterVersion target = adapters.find(adapter, version)
                    .orElseThrow(() ->
                            new RegistryException(ProblemCode.VERSION_UNKNOWN, adapter + " has no version " + version));
            if (!target.canBeRoutedTo()) {
                throw new RegistryException(
                        ProblemCode.VERSION_NOT_READY,
                        adapter + ":" + version + " is " + target.state()
                                + "; an alias points to what can be routed to");
            }
            Optional<Alias> before = find(adapter, alias, precondition);
            if (before.isPresent() && before.get().version() == version) {
                return new Outcome(before.get(), false);
            }
            Alias moved = aliases.put(adapter, alias, version);
            outbox.append(adapters.snapshot(adapter));
            return new Outcome(moved, before.isEmpty());
        }));
    }

    /** @throws RegistryException if there is no such alias, or the precondition does not hold */
    public void remove(AdapterName adapter, String alias, Precondition precondition) {
        requireAlias(alias);
        requireAdapter(adapter);
        transactions.executeWithoutResult(status -> {
            adapters.lock(adapter, clock.instant());
            if (find(adapter, alias, precondition).isEmpty()) {
                throw new RegistryException(ProblemCode.ALIAS_UNKNOWN, adapter + " has no alias " + alias);
            }
            aliases.delete(adapter, alias);
            outbox.append(adapters.snapshot(adapter));
        });
    }

    private Optional<Alias> find(AdapterName adapter, String alias, Precondition precondition) {
        Optional<Alias> before = aliases.find(adapter, alias);
        if (!precondition.holds(before)) {
            throw new RegistryException(
                    ProblemCode.PRECONDITION_FAILED,
                    before.map(found -> "the alias points to version " + found.version() + " at revision "
                                    + found.revision())
                            .orElse("there is no such alias"));
        }
        return before;
    }

    private void requireAdapter(AdapterName adapter) {
        if (adapters.find(adapter).isEmpty()) {
            throw new RegistryException(ProblemCode.ADAPTER_UNKNOWN, "there is no adapter " + adapter);
        }
    }

    private static void requireAlias(String alias) {
        if (!Names.isName(alias)) {
            throw new RegistryException(
                    ProblemCode.NAME_INVALID, "the alias '" + alias + "' must match " + Names.PATTERN.pattern());
        }
        if (alias.equals(LATEST)) {
            throw new RegistryException(
                    ProblemCode.ALIAS_RESERVED, "'latest' is always the newest version that is ready");
        }
    }
}
