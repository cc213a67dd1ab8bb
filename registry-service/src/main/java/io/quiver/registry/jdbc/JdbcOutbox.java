package io.quiver.registry.jdbc;

import io.quiver.registry.Outbox;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Event;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.EventType;
import io.quiver.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** The outbox in PostgreSQL: rows wake watchers by NOTIFY when their transaction commits. */
public final class JdbcOutbox implements Outbox {
    /** Held by the transaction that appends, so that ids become visible in their order. */
    private static final long APPEND_LOCK = 0x7175697665720001L;

    private static final Map<String, EventType> TYPES = Arrays.stream(EventType.values())
            .collect(Collectors.toUnmodifiableMap(EventType::shortName, Function.identity()));

    private final JdbcClient jdbc;
    private final DataSource dataSource;
    private final Clock clock;

    public JdbcOutbox(JdbcClient jdbc, DataSource dataSource, Clock clock) {
        this.jdbc = jdbc;
        this.dataSource = dataSource;
        this.clock = clock;
    }

    @Override
    public void append(Event... events) {
        if (!TransactionSynchronizationManager.isActualTransactionActive()) {
            throw new IllegalStateException("events are appended in the transaction of what they tell of");
        }
        jdbc.sql("select pg_advisory_xact_lock(:lock)::text")
                .param("lock", APPEND_LOCK)
                .query(String.class)
                .single();
        for (Event event : events) {
            EventType type = EventType.of(event);
            jdbc.sql("""
                            insert into outbox (topic, key, type, subject, data, time)
                            values (:topic, :key, :type, :subject, :data::json, :time)
                            """)
                    .param("topic", type.topic())
                    .param("key", event.key())
                    .param("type", type.shortName())
                    .param("subject", event.subject())
                    .param("data", new String(EventJson.write(event), StandardCharsets.UTF_8))
                    .param("time", clock.instant().atOffset(ZoneOffset.UTC))
                    .update();
        }
        jdbc.sql("select pg_notify(:channel, '')::text")
                .param("channel", PostgresWatch.CHANNEL)
                .query(String.class)
                .single();
    }

    @Override
    public List<Row> unpublished(int limit) {
        return jdbc.sql("select * from outbox where published_at is null order by id limit :limit")
                .param("limit", limit)
                .query(JdbcOutbox::read)
                .list();
    }

    @Override
    public void markPublished(List<Long> ids) {
        jdbc.sql("update outbox set published_at = :now where id = any(:ids)")
                .param("now", clock.instant().atOffset(ZoneOffset.UTC))
                .param("ids", ids.toArray(new Long[0]))
                .update();
    }

    @Override
    public List<Row> after(long afterId, Filter filter, int limit) {
        return jdbc.sql("""
                        select * from outbox where id > :after and topic = :topic
                        and (cardinality(:types::text[]) = 0 or type = any(:types::text[]))
                        and (:key = '' or key = :key)
                        order by id limit :limit
                        """)
                .param("after", afterId)
                .param("topic", Topics.ADAPTERS)
                .param(
                        "types",
                        filter.types().stream().map(EventType::shortName).toArray(String[]::new))
                .param("key", filter.adapter().map(AdapterName::toString).orElse(""))
                .param("limit", limit)
                .query(JdbcOutbox::read)
                .list();
    }

    @Override
    public long head() {
        return jdbc.sql("select coalesce(max(id), 0) from outbox")
                .query(Long.class)
                .single();
    }

    @Override
    public Watch watch() {
        return PostgresWatch.open(dataSource);
    }

    private static Row read(ResultSet row, int number) throws SQLException {
        EventType type = TYPES.get(row.getString("type"));
        if (type == null) {
            throw new IllegalStateException("the outbox has an event of a later program: " + row.getString("type"));
        }
        return new Row(
                row.getLong("id"),
                row.getObject("time", OffsetDateTime.class).toInstant(),
                type,
                row.getString("subject"),
                row.getString("data"));
    }
}
