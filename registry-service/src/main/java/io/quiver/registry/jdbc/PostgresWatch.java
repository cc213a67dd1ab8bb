package io.quiver.registry.jdbc;

import io.quiver.registry.Outbox;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessResourceFailureException;

/**
 * A connection that listens on the outbox's channel. The relay's lock belongs to the session: when the connection or its
 * program dies, PostgreSQL gives the lock to another replica. Throws {@link DataAccessResourceFailureException} when the
 * connection is lost; the owner then opens another.
 */
final class PostgresWatch implements Outbox.Watch {
    static final String CHANNEL = "quiver_outbox";

    private static final Logger LOG = LoggerFactory.getLogger(PostgresWatch.class);

    /** Held by the session that relays. */
    private static final long RELAY_LOCK = 0x7175697665720002L;

    private final Connection connection;

    private boolean leads;

    private PostgresWatch(Connection connection) {
        this.connection = connection;
    }

    static PostgresWatch open(DataSource dataSource) {
        try {
            Connection connection = dataSource.getConnection();
            try (Statement statement = connection.createStatement()) {
                statement.execute("listen " + CHANNEL);
                return new PostgresWatch(connection);
            } catch (SQLException e) {
                connection.close();
                throw e;
            }
        } catch (SQLException e) {
            throw new DataAccessResourceFailureException("the outbox cannot be watched", e);
        }
    }

    @Override
    public boolean tryLead() {
        if (leads) {
            return true;
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select pg_try_advisory_lock(" + RELAY_LOCK + ")")) {
            leads = row.next() && row.getBoolean(1);
            return leads;
        } catch (SQLException e) {
            throw new DataAccessResourceFailureException("the relay's lock cannot be asked for", e);
        }
    }

    @Override
    public void await(Duration atMost) {
        try {
            // Zero would mean for ever.
            int millis = (int) Math.max(1, Math.min(atMost.toMillis(), Integer.MAX_VALUE));
            connection.unwrap(PGConnection.class).getNotifications(millis);
        } catch (SQLException e) {
            throw new DataAccessResourceFailureException("the outbox cannot be watched any more", e);
        }
    }

    /** Gives the connection back to the pool as it was: no lock, no channel. */
    @Override
    public void close() {
        try (connection;
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_advisory_unlock_all()");
            statement.execute("unlisten *");
        } catch (SQLException e) {
            LOG.debug("a lost connection has neither lock nor channel", e);
        }
    }
}
