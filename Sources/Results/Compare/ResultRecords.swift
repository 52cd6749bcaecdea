// The parts of a `ResultDocument`, from what the library knows.

import Activations
import CKA
import Device

extension ResultDocument.Worker {
  init(_ work: DeviceShare) {
    self.init(work.device.identity, minibatches: work.minibatches)
  }

  init(_ device: DeviceIdentity, minibatches: Int) {
    self.init(
      id: device.id, name: device.name, backend: device.backend, driver: device.driver,
      precision: device.precision, minibatches: minibatches)
  }

  /// Adds why the device was chosen.
  package mutating func add(reasons: [String]) {
    if !reasons.isEmpty { self.reasons = reasons }
  }

  /// No device: there was nothing to do.
  static let none = Self(id: "", name: "", backend: "", driver: "", minibatches: 0)
}

extension ResultDocument {
  /// The devices that did the work, as written to documents.
  struct Workers {
    var first: Worker
    var sharing: [Worker]?
    var failed: [Worker]

    init(_ work: [DeviceShare]) {
      let finishers = work.filter { !$0.hasFailed }.map { Worker($0) }
      first = finishers.first ?? Worker.none
      sharing = finishers.count > 1 ? Array(finishers.dropFirst()) : nil
      failed = work.filter(\.hasFailed).map { Worker($0) }
    }
  }
}

extension ResultDocument.Timings {
  /// - Parameters:
  ///   - open: seconds before the work, for opening models and choosing a device.
  ///   - total: seconds of the whole run; the sum of the stages unless given.
  package init(_ timings: Comparison.Timings, open: Double = 0, total: Double? = nil) {
    let total = total ?? open + timings.gramStacks + timings.pairs + timings.float64
    self.init(
      open: open, read: timings.stages.read, transfer: timings.stages.transfer,
      gram: timings.stages.gram, pairs: timings.pairs,
      float64: timings.float64 > 0 ? timings.float64 : nil, total: total)
  }
}

extension ResultDocument.Cell {
  /// Every cell that has no value.
  static func undefined(in statuses: Matrix<Status>) -> [Self] {
    statuses.elements.indices.filter { statuses.elements[$0] != .ok }.map { index in
      Self(
        row: index / statuses.columns, column: index % statuses.columns,
        status: statuses.elements[index].rawValue)
    }
  }
}

extension ResultDocument.Estimator {
  init(_ estimator: CKA.Estimator, _ plan: MinibatchPlan? = nil) {
    name = estimator.name
    guard case .minibatch(let settings) = estimator else { return }
    batchSize = settings.size ?? plan?.batchSize
    passes = settings.passes
    ragged = settings.ragged.rawValue
    switch settings.order {
    case .stored: order = "stored"
    case .shuffled(let seed):
      order = "shuffled"
      self.seed = seed
    }
  }
}

extension ResultDocument.Kernel {
  init(_ kernel: GramKernel) {
    switch kernel {
    case .linear: name = "linear"
    case .rbf(.medianMultiple(let multiple)):
      name = "rbf"
      bandwidth = "sigma² = t² · median of all n² squared distances, the zero diagonal included"
      medianMultiple = multiple
    case .rbf(.sampledMedianMultiple(let multiple, let examples)):
      name = "rbf"
      bandwidth =
        "sigma² = t² · median of the squared distances of medianExamples examples spread evenly, "
        + "the zero diagonal included"
      medianMultiple = multiple
      medianExamples = examples
    case .rbf(.sigma(let sigma)):
      name = "rbf"
      bandwidth = "sigma as given"
      self.sigma = sigma
    }
  }
}

extension LayerActivations {
  /// Which axis of a pooled map holds its channels.
  var pooledLayout: LayerShape.Layout? {
    guard case .mean(let layout) = pooling else { return nil }
    return layout
  }
}

extension ResultDocument.Model {
  init(
    _ model: any ActivationSource, _ path: String, _ statuses: [Status], _ sigmas: [Double?]
  ) {
    name = model.name
    self.path = path
    layers = model.layers.indices.map { index in
      let layer = model.layers[index]
      return ResultDocument.Layer(
        name: layer.name, stage: layer.stage,
        shape: [layer.shape.exampleCount] + layer.shape.featureAxes,
        scalarType: layer.scalarType.rawValue, features: layer.featureCount,
        status: statuses[index].rawValue,
        // A layer that has no σ either says so in its status.
        sigma: sigmas[index].flatMap(jsonNumber), layout: layer.pooledLayout)
    }
  }
}
