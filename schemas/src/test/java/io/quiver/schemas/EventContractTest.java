package io.quiver.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The records, the published schemas and the golden examples say the same. */
class EventContractTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    @ParameterizedTest
    @EnumSource
    void the_golden_example_obeys_the_schema(EventType type) {
        assertThat(violations(type, EventSchemas.example(type))).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void the_golden_example_is_read_as_the_event_and_written_back_equal(EventType type) {
        Event event = EventJson.read(type, EventSchemas.example(type));
        assertThat(EventType.of(event)).isEqualTo(type);
        assertThat(JSON.readTree(EventJson.write(event))).isEqualTo(JSON.readTree(EventSchemas.example(type)));
        assertThat(EventJson.read(type, EventJson.write(event))).isEqualTo(event);
    }

    @ParameterizedTest
    @EnumSource
    void the_schema_names_exactly_the_components_of_the_record_at_every_depth(EventType type) {
        JsonNode schema = JSON.readTree(EventSchemas.schema(type));
        assertThat(schema.path("title").asString()).isEqualTo(type.shortName());
        requireSameShape(type.eventClass(), schema, schema);
    }

    @ParameterizedTest
    @EnumSource
    void an_event_without_a_required_field_is_refused_by_the_schema_and_by_the_reader(EventType type) {
        JsonNode schema = JSON.readTree(EventSchemas.schema(type));
        for (JsonNode required : schema.path("required")) {
            ObjectNode damaged = (ObjectNode) JSON.readTree(EventSchemas.example(type));
            damaged.remove(required.asString());
            byte[] json = JSON.writeValueAsBytes(damaged);
            assertThat(violations(type, json)).as(required.asString()).isNotEmpty();
            assertThatThrownBy(() -> EventJson.read(type, json))
                    .as(required.asString())
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_field_of_a_later_program_is_ignored(EventType type) {
        ObjectNode later = (ObjectNode) JSON.readTree(EventSchemas.example(type));
        later.put("saidByALaterProgram", 1);
        byte[] json = JSON.writeValueAsBytes(later);
        assertThat(violations(type, json)).isEmpty();
        assertThat(EventJson.read(type, json)).isEqualTo(EventJson.read(type, EventSchemas.example(type)));
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "ADAPTER_UPLOADED",
                "PROTOTYPES_COMPUTED",
                "PROTOTYPES_FAILED",
                "ADAPTER_CATALOGUED",
                "BASE_MODEL_CATALOGUED"
            })
    void an_event_from_before_there_were_calibrations_is_read_as_one_without(EventType type) throws IOException {
        byte[] earlier;
        try (InputStream in =
                EventContractTest.class.getResourceAsStream("/earlier/" + type.shortName() + ".v1.json")) {
            earlier = in.readAllBytes();
        }
        assertThat(violations(type, earlier)).isEmpty();
        ObjectNode written = (ObjectNode) JSON.readTree(EventJson.write(EventJson.read(type, earlier)));
        if (type == EventType.PROTOTYPES_FAILED) {
            assertThat(written.remove("calibration").isNull()).isTrue();
        }
        if (type == EventType.ADAPTER_CATALOGUED) {
            assertThat(((ObjectNode) written.at("/versions/0")).remove("evidence"))
                    .isEmpty();
        }
        assertThat(written).isEqualTo(JSON.readTree(earlier));
    }

    @ParameterizedTest
    @EnumSource
    void the_schema_refuses_what_the_types_refuse(EventType type) {
        byte[] example = EventSchemas.example(type);
        for (String wrong : List.of("sha256:UPPER", "sha256:12", "md5:0")) {
            byte[] json = new String(example, StandardCharsets.UTF_8)
                    .replaceFirst("sha256:[0-9a-f]{64}", wrong)
                    .getBytes(StandardCharsets.UTF_8);
            assertThat(violations(type, json)).as(wrong).isNotEmpty();
            assertThatThrownBy(() -> EventJson.read(type, json)).as(wrong).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static List<Error> violations(EventType type, byte[] json) {
        Schema schema = SCHEMAS.getSchema(new String(EventSchemas.schema(type), StandardCharsets.UTF_8));
        return schema.validate(new String(json, StandardCharsets.UTF_8), InputFormat.JSON);
    }

    /** Compares a record with an object schema: same names, required unless nullable, and the same kinds of value. */
    private static void requireSameShape(Class<?> record, JsonNode object, JsonNode root) {
        RecordComponent[] components = record.getRecordComponents();
        Set<String> names = new TreeSet<>();
        Set<String> required = new TreeSet<>();
        for (RecordComponent component : components) {
            names.add(component.getName());
            if (!component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                required.add(component.getName());
            }
            JsonNode property = resolve(object.path("properties").path(component.getName()), root);
            requireSameKind(component.getAnnotatedType(), property, root, record + "." + component.getName());
        }
        assertThat(new TreeSet<>(object.path("properties").propertyNames()))
                .as(record.getSimpleName())
                .isEqualTo(names);
        Set<String> requiredBySchema = new TreeSet<>();
        object.path("required").forEach(name -> requiredBySchema.add(name.asString()));
        assertThat(requiredBySchema).as(record.getSimpleName()).isEqualTo(required);
    }

    private static void requireSameKind(AnnotatedType annotated, JsonNode schema, JsonNode root, String where) {
        Type type = annotated.getType();
        if (annotated instanceof AnnotatedParameterizedType parameterized) {
            AnnotatedType[] arguments = parameterized.getAnnotatedActualTypeArguments();
            boolean map = type.getTypeName().startsWith(Map.class.getName());
            assertThat(schema.path("type").asString()).as(where).isEqualTo(map ? "object" : "array");
            JsonNode element = schema.path(map ? "additionalProperties" : "items");
            requireSameKind(arguments[arguments.length - 1], resolve(element, root), root, where + "[]");
            return;
        }
        Class<?> kind = (Class<?>) type;
        if (kind == int.class || kind == long.class || kind == Integer.class) {
            assertThat(schema.path("type").asString()).as(where).isEqualTo("integer");
        } else if (kind == Instant.class) {
            assertThat(schema.path("format").asString()).as(where).isEqualTo("date-time");
        } else if (kind.isEnum()) {
            List<String> constants =
                    Arrays.stream(kind.getEnumConstants()).map(Object::toString).toList();
            schema.path("enum").forEach(value -> assertThat(constants).as(where).contains(value.asString()));
            assertThat(schema.path("enum").size()).as(where).isPositive();
        } else if (kind == String.class || kind == Digest.class || kind == AdapterName.class) {
            assertThat(schema.path("type").toString()).as(where).contains("string");
        } else {
            assertThat(kind.isRecord()).as(where).isTrue();
            requireSameShape(kind, schema, root);
        }
    }

    private static JsonNode resolve(JsonNode schema, JsonNode root) {
        JsonNode reference = schema.path("$ref");
        return reference.isMissingNode() ? schema : root.at(reference.asString().substring(1));
    }
}
