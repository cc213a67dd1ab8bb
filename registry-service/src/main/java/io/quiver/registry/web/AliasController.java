package io.quiver.registry.web;

import io.quiver.registry.Aliases;
import io.quiver.registry.Aliases.Alias;
import io.quiver.registry.MoveAlias;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.schemas.AdapterName;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** Aliases, moved by compare-and-set: an alias's ETag is its revision. */
@RestController
public final class AliasController {
    private static final String ROUTE = "/v1/adapters/{namespace}/{name}/aliases/{alias}";

    private final MoveAlias moveAlias;
    private final Aliases aliases;

    public AliasController(MoveAlias moveAlias, Aliases aliases) {
        this.moveAlias = moveAlias;
        this.aliases = aliases;
    }

    /** Where an alias shall point. */
    public record Target(int version) {}

    /** Where an alias points. */
    public record AliasView(AdapterName adapter, String alias, int version) {}

    @GetMapping(ROUTE)
    public ResponseEntity<AliasView> find(
            @PathVariable String namespace, @PathVariable String name, @PathVariable String alias) {
        AdapterName adapter = PathNames.adapter(namespace, name);
        Alias found = aliases.find(adapter, alias)
                .orElseThrow(() ->
                        new RegistryException(ProblemCode.ALIAS_UNKNOWN, adapter + " has no alias '" + alias + "'"));
        return answer(ResponseEntity.ok(), adapter, found);
    }

    @PutMapping(path = ROUTE, consumes = MediaType.APPLICATION_JSON_VALUE)
    public ResponseEntity<AliasView> move(
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String alias,
            @RequestBody Target target,
            @RequestHeader(name = HttpHeaders.IF_MATCH, required = false) @Nullable String ifMatch,
            @RequestHeader(name = HttpHeaders.IF_NONE_MATCH, required = false) @Nullable String ifNoneMatch) {
        AdapterName adapter = PathNames.adapter(namespace, name);
        MoveAlias.Outcome outcome =
                moveAlias.move(adapter, alias, target.version(), precondition(ifMatch, ifNoneMatch));
        ResponseEntity.BodyBuilder builder = outcome.created()
                ? ResponseEntity.created(URI.create("/v1/adapters/" + adapter + "/aliases/" + alias))
                : ResponseEntity.ok();
        return answer(builder, adapter, outcome.alias());
    }

    @DeleteMapping(ROUTE)
    public ResponseEntity<Void> remove(
            @PathVariable String namespace,
            @PathVariable String name,
            @PathVariable String alias,
            @RequestHeader(name = HttpHeaders.IF_MATCH, required = false) @Nullable String ifMatch) {
        moveAlias.remove(PathNames.adapter(namespace, name), alias, precondition(ifMatch, null));
        return ResponseEntity.noContent().build();
    }

    private static ResponseEntity<AliasView> answer(
            ResponseEntity.BodyBuilder builder, AdapterName adapter, Alias alias) {
        return builder.eTag(eTag(alias)).body(new AliasView(adapter, alias.alias(), alias.version()));
    }

    private static String eTag(Alias alias) {
        return "\"" + alias.revision() + "\"";
    }

    private static MoveAlias.Precondition precondition(@Nullable String ifMatch, @Nullable String ifNoneMatch) {
        return before ->
                (ifMatch == null || matches(ifMatch, before)) && (ifNoneMatch == null || !matches(ifNoneMatch, before));
    }

    /** Says whether one of the tags is the alias's, or there is an alias and the header is {@code *}. */
    private static boolean matches(String header, Optional<Alias> alias) {
        List<String> tags = Arrays.stream(header.split(",")).map(String::strip).toList();
        return alias.isPresent() && (tags.contains("*") || tags.contains(eTag(alias.get())));
    }
}
