package io.quiver.cli.eval;

import io.quiver.client.RouterClient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The adapters that an evaluation chooses among, pinned to their versions.
 *
 * @param base name of the base model
 * @param members in the router's order, at least one
 */
public record Library(String base, List<Member> members) {
    private static final String SKILL_LABEL = "skill";

    public Library {
        members = List.copyOf(members);
        if (members.isEmpty()) {
            throw new IllegalArgumentException("a library has at least one adapter");
        }
    }

    /**
     * An adapter of the library.
     *
     * @param reference such as {@code team/sql:3}
     * @param name such as {@code team/sql}
     * @param skill its label {@code skill}; empty if it has none
     */
    public record Member(String reference, String name, String skill) {
        private boolean has(String wanted) {
            return wanted.equals(skill) || wanted.equals(name) || wanted.equals(name.substring(name.indexOf('/') + 1));
        }
    }

    /**
     * Asks the router which adapters a library has at this moment.
     *
     * @param model of the requests
     * @param selection the library as a request's {@code routing} names it
     */
    public static Library resolve(RouterClient router, String model, ObjectNode selection) {
        ObjectNode request =
                JsonMapper.shared().createObjectNode().put("model", model).put("prompt", "?");
        request.putArray("variants").add(selection.deepCopy().put("strategy", "uniform"));
        JsonNode explanation = router.explain(request);
        Map<String, String> skills = new HashMap<>();
        for (JsonNode expert : router.experts()) {
            skills.put(
                    reference(expert), expert.path("labels").path(SKILL_LABEL).asString(""));
        }
        List<Member> members = new ArrayList<>();
        for (JsonNode expert :
                explanation.path("variants").path(0).path("routing").path("experts")) {
            members.add(new Member(
                    reference(expert), expert.path("name").asString(""), skills.getOrDefault(reference(expert), "")));
        }
        return new Library(explanation.path("base").path("name").asString(model), members);
    }

    static String reference(JsonNode expert) {
        return expert.path("name").asString("") + ":" + expert.path("version").asString("");
    }

    List<String> references() {
        return members.stream().map(Member::reference).toList();
    }

    /**
     * Which adapter has which skill: the one named so by the person, else the one of that name or with that label {@code skill}.
     *
     * @param named references or names by skill
     * @return a reference for each skill of the questions but the empty one
     * @throws UnusableQuestionsException if there is none, or more than one, for some skills: all of them are said
     */
    public Map<String, String> matched(List<Question> questions, Map<String, String> named) {
        List<String> wrong = new ArrayList<>();
        Map<String, String> matched = new LinkedHashMap<>();
        for (String skill : skills(questions)) {
            String wanted = named.get(skill);
            List<Member> fitting = members.stream()
                    .filter(member -> wanted == null ? member.has(skill) : named(member, wanted))
                    .toList();
            if (fitting.size() == 1) {
                matched.put(skill, fitting.get(0).reference());
            } else {
                wrong.add(skill
                        + (fitting.isEmpty()
                                ? wanted == null ? " has none" : " should be " + wanted + ", which is not in it"
                                : " has " + joined(fitting)));
            }
        }
        if (!wrong.isEmpty()) {
            throw new UnusableQuestionsException("each skill of the questions needs one adapter of the library: "
                    + String.join("; ", wrong) + ". The library is " + joined(members)
                    + ". Push what is missing, widen --library, or say --adapter SKILL=NS/NAME");
        }
        return matched;
    }

    private static boolean named(Member member, String wanted) {
        return wanted.equals(member.reference()) || wanted.equals(member.name());
    }

    private static Iterable<String> skills(List<Question> questions) {
        return questions.stream()
                .map(Question::skill)
                .filter(skill -> !skill.isEmpty())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String joined(List<Member> members) {
        return members.stream().map(Member::reference).collect(Collectors.joining(", "));
    }
}
