package io.quiver.schemas;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The CloudEvents type of each event: reverse domain name, kind, version of its schema. */
public enum EventType {
    ADAPTER_UPLOADED(Event.AdapterUploaded.class, Topics.ADAPTERS),
    ADAPTER_COMPUTING(Event.AdapterComputing.class, Topics.ADAPTERS),
    ADAPTER_READY(Event.AdapterReady.class, Topics.ADAPTERS),
    ADAPTER_FAILED(Event.AdapterFailed.class, Topics.ADAPTERS),
    BASE_MODEL_REGISTERED(Event.BaseModelRegistered.class, Topics.ADAPTERS),
    BASE_MODEL_CALIBRATION_REQUESTED(CalibrationEvent.BaseModelCalibrationRequested.class, Topics.ADAPTERS),
    BASE_MODEL_CALIBRATING(CalibrationEvent.BaseModelCalibrating.class, Topics.ADAPTERS),
    BASE_MODEL_CALIBRATED(CalibrationEvent.BaseModelCalibrated.class, Topics.ADAPTERS),
    BASE_MODEL_CALIBRATION_FAILED(CalibrationEvent.BaseModelCalibrationFailed.class, Topics.ADAPTERS),
    ADAPTER_CALIBRATION_REQUESTED(CalibrationEvent.AdapterCalibrationRequested.class, Topics.ADAPTERS),
    ADAPTER_CALIBRATED(CalibrationEvent.AdapterCalibrated.class, Topics.ADAPTERS),
    ADAPTER_CALIBRATION_FAILED(CalibrationEvent.AdapterCalibrationFailed.class, Topics.ADAPTERS),
    PROTOTYPES_STARTED(Event.PrototypesStarted.class, Topics.PROTOTYPES),
    PROTOTYPES_COMPUTED(Event.PrototypesComputed.class, Topics.PROTOTYPES),
    PROTOTYPES_FAILED(Event.PrototypesFailed.class, Topics.PROTOTYPES),
    CALIBRATION_PROGRESSED(CalibrationEvent.CalibrationProgressed.class, Topics.PROTOTYPES),
    CALIBRATION_COMPUTED(CalibrationEvent.CalibrationComputed.class, Topics.PROTOTYPES),
    CALIBRATION_FAILED(CalibrationEvent.CalibrationFailed.class, Topics.PROTOTYPES),
    ADAPTER_CATALOGUED(Event.AdapterCatalogued.class, Topics.CATALOG),
    BASE_MODEL_CATALOGUED(Event.BaseModelCatalogued.class, Topics.CATALOG);

    private static final String NAMESPACE = "io.quiver.";
    private static final Map<String, EventType> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(EventType::ceType, Function.identity()));

    private final Class<? extends Event> eventClass;
    private final String topic;

    EventType(Class<? extends Event> eventClass, String topic) {
        this.eventClass = eventClass;
        this.topic = topic;
    }

    public static EventType of(Event event) {
        return Arrays.stream(values())
                .filter(type -> type.eventClass == event.getClass())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no type for " + event.getClass()));
    }

    /** The type with this CloudEvents name, or nothing if this program does not know it. */
    public static Optional<EventType> named(String ceType) {
        return Optional.ofNullable(BY_NAME.get(ceType));
    }

    /** {@code io.quiver.<Event>.v1}. */
    public String ceType() {
        return NAMESPACE + eventClass.getSimpleName() + ".v1";
    }

    /** The short name that people see, such as {@code AdapterReady}. */
    public String shortName() {
        return eventClass.getSimpleName();
    }

    public Class<? extends Event> eventClass() {
        return eventClass;
    }

    /** The topic that carries it. */
    public String topic() {
        return topic;
    }
}
