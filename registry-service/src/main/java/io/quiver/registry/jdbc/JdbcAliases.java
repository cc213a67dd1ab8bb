package io.quiver.registry.jdbc;

import io.quiver.registry.Aliases;
import io.quiver.schemas.AdapterName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Aliases in PostgreSQL. */
public final class JdbcAliases implements Aliases {
    private final JdbcClient jdbc;

    public JdbcAliases(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public Optional<Alias> find(AdapterName adapter, String alias) {
        return statement(
                        "select * from adapter_alias where namespace = :ns and name = :name and alias = :alias",
                        adapter)
                .param("alias", alias)
                .query(JdbcAliases::read)
                .optional();
    }

    @Override
    public Alias put(AdapterName adapter, String alias, int version) {
        return statement("""
                        insert into adapter_alias (namespace, name, alias, version)
                        values (:ns, :name, :alias, :version)
                        on conflict (namespace, name, alias)
                        do update set version = excluded.version, revision = excluded.revision
                        returning *
                        """, adapter)
                .param("alias", alias)
                .param("version", version)
                .query(JdbcAliases::read)
                .single();
    }

    @Override
    public void delete(AdapterName adapter, String alias) {
        statement("delete from adapter_alias where namespace = :ns and name = :name and alias = :alias", adapter)
                .param("alias", alias)
                .update();
    }

    private JdbcClient.StatementSpec statement(String sql, AdapterName adapter) {
        return jdbc.sql(sql).param("ns", adapter.namespace()).param("name", adapter.name());
    }

    private static Alias read(ResultSet row, int number) throws SQLException {
        return new Alias(row.getString("alias"), row.getInt("version"), row.getLong("revision"));
    }
}
