package io.quiver.cli.routability;

import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * An expert of a report.
 *
 * @param confusedWith names of others
 * @param sameContent names of other adapters with the same content
 * @param uploaded examples that it came with
 * @param read so many of them were read
 * @param tooLong so many could not be
 * @param fires on so many of them it stands out enough
 * @param chosen for so many of them it is chosen
 * @param toBase so many of them the base answers
 * @param standOut median on its own examples; NaN without
 * @param othersRead examples of the others
 * @param taken for so many of them it is chosen
 * @param largest part of the generic requests where it stands out the most
 * @param nearest the expert whose stand-outs go with its own the most; empty without others
 * @param correlation of the two; NaN without others
 */
public record ReportedExpert(
        String name,
        int version,
        String verdict,
        List<String> confusedWith,
        List<String> sameContent,
        int uploaded,
        int read,
        int tooLong,
        int fires,
        int chosen,
        int toBase,
        double standOut,
        int othersRead,
        int taken,
        double largest,
        String nearest,
        double correlation) {
    private static final String CONFUSABLE = "confusable";
    static final String ROUTABLE = "routable";
    static final String TOO_LITTLE_KNOWN = "too_little_known";

    public ReportedExpert {
        confusedWith = List.copyOf(confusedWith);
        sameContent = List.copyOf(sameContent);
    }

    static ReportedExpert of(JsonNode json) {
        JsonNode own = json.path("examples");
        JsonNode others = json.path("others_examples");
        JsonNode generic = json.path("generic");
        return new ReportedExpert(
                json.path("name").asString("?"),
                json.path("version").asInt(0),
                json.path("verdict").asString("?"),
                names(json.path("confused_with")),
                names(json.path("same_content")),
                own.path("uploaded").asInt(0),
                own.path("read").asInt(0),
                own.path("too_long").asInt(0),
                own.path("fires").asInt(0),
                own.path("chosen").asInt(0),
                own.path("base").asInt(0),
                own.path("stand_out").asDouble(Double.NaN),
                others.path("read").asInt(0),
                others.path("taken").asInt(0),
                generic.path("largest").asDouble(Double.NaN),
                generic.path("nearest").asString(""),
                generic.path("correlation").asDouble(Double.NaN));
    }

    private static List<String> names(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(name -> name.asString("?"))
                .toList();
    }

    /** Whether the router calls it so: with its version where there are several. */
    boolean isCalled(String label) {
        return label.equals(name) || label.equals(name + ":" + version);
    }

    /** Whether it is that version, under that name. */
    public boolean is(String wantedName, int wantedVersion) {
        return name.equals(wantedName) && version == wantedVersion;
    }

    /** Whether something should be done about it. */
    public boolean isFinding() {
        return !sameContent.isEmpty() || !(verdict.equals(ROUTABLE) || verdict.equals(TOO_LITTLE_KNOWN));
    }

    /** The verdict in words, such as {@code confusable with team/b}. */
    public String says() {
        String words = verdict.replace('_', ' ');
        if (!confusedWith.isEmpty()) {
            words += (verdict.equals(CONFUSABLE) ? " with " : ", mistaken for ") + String.join(", ", confusedWith);
        }
        return sameContent.isEmpty() ? words : words + "; same content as " + String.join(", ", sameContent);
    }

    /** The figures that the verdict rests on. */
    public String because() {
        String generic = nearest.isEmpty()
                ? ""
                : String.format(
                        Locale.ROOT, "on generic requests nearest to %s, correlation %.2f", nearest, correlation);
        if (read == 0) {
            return "no examples" + (generic.isEmpty() ? "" : "; " + generic);
        }
        String base = toBase == 0 ? "" : ", the base for " + toBase;
        String unread = tooLong == 0 ? "" : " (" + tooLong + " more are too long)";
        String others = othersRead == 0 ? "" : "; takes " + taken + " of " + othersRead + " of the others";
        return "chosen for " + chosen + " of its " + read + " examples" + unread + base + ", stands out on " + fires
                + others;
    }

    /**
     * What to do next; empty if nothing.
     *
     * @param sharpened whether requests are compared with examples already
     */
    public String advice(boolean sharpened) {
        String names =
                sameContent.isEmpty() ? "" : "The router takes one content for one expert: keep one of the names.";
        String rest = advised(sharpened);
        return names.isEmpty() || rest.isEmpty() ? names + rest : names + " " + rest;
    }

    private String advised(boolean sharpened) {
        return switch (verdict) {
            case CONFUSABLE ->
                (sharpened
                                ? "Their examples sharpen the choice, by how much quiver eval says; "
                                : "Four or more example prompts for every expert (examples.jsonl) sharpen the choice; ")
                        + "where two do the same, keep one; else name the right one in the request, or train them on what sets"
                        + " them apart.";
            case "never_fires", "rarely_fires" ->
                "Are the examples what it was trained on, and was it trained enough? It answers when it is named.";
            case "fires_on_everything" -> "Leave it out of the library and name it where it is wanted.";
            case TOO_LITTLE_KNOWN ->
                "Push it again with examples.jsonl beside it: four or more prompts that it is for, without answers.";
            default -> "";
        };
    }
}
