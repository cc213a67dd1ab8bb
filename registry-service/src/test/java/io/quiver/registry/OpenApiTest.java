package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.PrototypeFileRef;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The published description of the routes is what the registry does. */
class OpenApiTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String BASE = RunningRegistry.unique("openapi-base");
    private static final AdapterName ADAPTER = new AdapterName("openapi", RunningRegistry.unique("adapter"));
    private static final String ROUTE = "/v1/adapters/" + ADAPTER;
    private static JsonNode document;

    /** Version 1 is ready, version 2 failed. */
    @BeforeAll
    static void upload_two_versions() throws IOException {
        try (InputStream yaml = OpenApiTest.class.getResourceAsStream("/openapi/registry.yaml")) {
            document = JSON.valueToTree(new Yaml().<Map<String, Object>>load(yaml));
        }
        HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1));
        for (int version = 1; version <= 2; version++) {
            TinyModels.Draft draft = TinyModels.adapter(version);
            Answer uploaded = HTTP.upload(ROUTE + "/versions", draft.form(BASE).part("labels", "{\"a\": \"b\"}"));
            Digest digest = Digest.parse(uploaded.body().path("digest").asString());
            PrototypeFileRef file = WorkerVoice.store(digest, WorkerVoice.prototypes(draft, digest));
            REGISTRY.bean(RecordOutcome.class)
                    .on(
                            version == 1
                                    ? WorkerVoice.computed(ADAPTER, version, digest, file)
                                    : WorkerVoice.failed(ADAPTER, version, digest));
        }
    }

    @Test
    void every_route_is_described_and_every_description_is_a_route() {
        Set<String> routes = new TreeSet<>();
        Map<RequestMappingInfo, HandlerMethod> mappings = REGISTRY.namedBean(
                        "requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods();
        mappings.keySet().stream()
                .filter(mapping -> !mapping.getPatternValues().contains("/error"))
                .forEach(mapping -> mapping.getPatternValues()
                        .forEach(path -> mapping.getMethodsCondition()
                                .getMethods()
                                .forEach(method -> routes.add(method + " " + path))));
        Set<String> described = new TreeSet<>();
        document.path("paths")
                .properties()
                .forEach(path -> path.getValue().propertyNames().stream()
                        .filter(name -> !name.equals("parameters"))
                        .forEach(method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        assertThat(described).isEqualTo(routes);
    }

    @Test
    void answers_are_as_they_are_described() {
        HTTP.send("PUT", ROUTE + "/aliases/champion", "{\"version\": 1}");
        requireSchema("BaseModel", HTTP.get("/v1/base-models/" + BASE));
        CalibratedBase calibrated = CalibratedBase.register();
        requireSchema("BaseModel", HTTP.get(calibrated.route()));
        calibrated.calibrate(1, 1);
        requireSchema("BaseModel", HTTP.get(calibrated.route()));
        requireSchema("BaseModel", calibrated.recalibrate(""));
        requireSchema("Problem", calibrated.recalibrate(""));
        requireSchema("BaseModelPage", HTTP.get("/v1/base-models?limit=1"));
        requireSchema("AdapterPage", HTTP.get("/v1/adapters?limit=1000"));
        requireSchema("AdapterDetails", HTTP.get(ROUTE));
        requireSchema("VersionPage", HTTP.get(ROUTE + "/versions?limit=1"));
        requireSchema("Version", HTTP.get(ROUTE + "/versions/latest"));
        requireSchema("Version", HTTP.get(ROUTE + "/versions/2"));
        requireSchema("Prototypes", HTTP.get(ROUTE + "/versions/1/prototypes"));
        requireSchema("Alias", HTTP.get(ROUTE + "/aliases/champion"));
        requireSchema(
                "DryRun",
                HTTP.upload(ROUTE + "/versions:validate", TinyModels.adapter(3).form(BASE)));
        requireSchema("Problem", HTTP.get("/nothing"));
        requireSchema("Problem", HTTP.get("/v1/adapters/UPPER/case"));
        requireSchema(
                "Problem",
                HTTP.upload(
                        ROUTE + "/versions",
                        TinyModels.adapter(4).without(TinyModels.Draft.b(0)).form(BASE)));
    }

    @Test
    void every_problem_code_is_described() {
        List<String> described = new ArrayList<>();
        document.at("/components/schemas/Problem/properties/code/enum").forEach(code -> described.add(code.asString()));
        assertThat(described)
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(ProblemCode.values())
                        .map(ProblemCode::code)
                        .toList());
    }

    private static void requireSchema(String name, Answer answer) {
        ObjectNode schema = JSON.createObjectNode();
        schema.put("$ref", "#/components/schemas/" + name);
        schema.set("components", document.path("components"));
        assertThat(SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(schema)
                        .validate(answer.body().toString(), InputFormat.JSON))
                .as("%s: %s", name, answer.body())
                .isEmpty();
    }
}
