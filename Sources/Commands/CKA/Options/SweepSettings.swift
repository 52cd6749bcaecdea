import Device
import SweepStore

extension SweepCommand {
  /// What the options say of the store.
  var settings: SweepSettings {
    var settings = SweepSettings()
    settings.estimator = estimator.estimator
    let hasMinibatches = settings.estimator == .minibatch
    settings.batchSize = hasMinibatches ? estimator.batchSize ?? settings.batchSize : 0
    settings.passes = hasMinibatches ? estimator.passes ?? settings.passes : 0
    settings.isStoredOrder = hasMinibatches && estimator.order == .stored
    settings.seed = estimator.seedValue
    if let ragged = estimator.ragged { settings.ragged = ragged.rawValue }
    let kernel = estimator.kernel
    settings.kernel = kernel.kernel
    settings.bandwidth =
      kernel.kernel == .rbf && kernel.sigma == nil ? kernel.bandwidth ?? 1 : nil
    settings.sigma = kernel.sigma
    settings.layers = layers.layers
    if !layers.exclude.isEmpty { settings.exclude = layers.exclude }
    settings.pooling = layers.pool.rawValue
    settings.layout = layers.layout
    settings.precision = device.precision
    settings.storePrecision = storePrecision
    settings.alignment = examples.alignment.rawValue
    settings.exampleLimit = examples.examples
    settings.dropExamples = examples.drop.dropExamples?.rawValue
    return settings
  }
}
