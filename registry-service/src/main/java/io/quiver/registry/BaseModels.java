package io.quiver.registry;

import java.util.List;
import java.util.Optional;

/** The registered base models. A name keeps its content for ever; only its calibration changes. */
public interface BaseModels {
    /** Adds a base model unless the name is taken; says whether it did. */
    boolean add(BaseModel model);

    /** Locks a base model until the end of the transaction. */
    Optional<BaseModel> lock(String name);

    /** Replaces the calibration of a base model that the transaction has locked. */
    void calibrate(BaseModel model);

    Optional<BaseModel> find(String name);

    /** In the order of their names, from behind {@code after}. */
    List<BaseModel> list(Optional<String> after, int limit);
}
