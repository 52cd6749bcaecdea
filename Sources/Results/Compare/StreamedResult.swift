import CKA
import Device

extension CompareResult {
  /// What the minibatches of a stream add up to; nil before the first.
  ///
  /// - Parameters:
  ///   - stream: the minibatches so far.
  ///   - names: what the one or two models are called.
  ///   - precision: how devices were allowed to round products.
  ///   - pooling: what was done with the positions of feature maps, in a word.
  public init?(
    _ stream: ComparisonStream, names: [String], precision: Precision = .exact,
    pooling: String = "flatten"
  ) {
    guard let similarity = stream.similarity, let sizes = stream.batchSizes else { return nil }
    let workers = ResultDocument.Workers(stream.work)
    func model(
      _ name: String, _ layers: [StreamedLayer], _ statuses: [Status], _ sigmas: [Double?]
    ) -> ResultDocument.Model {
      ResultDocument.Model(
        name: name, path: name,
        layers: layers.indices.map { index in
          let layer = layers[index]
          return ResultDocument.Layer(
            name: layer.name, shape: [stream.exampleCount] + layer.featureAxes,
            scalarType: layer.scalarType.rawValue, features: layer.featureCount,
            status: statuses[index].rawValue, sigma: sigmas[index].flatMap(jsonNumber))
        })
    }
    var models = [
      model(names[0], stream.left, similarity.leftStatuses, similarity.leftSigmas)
    ]
    if let right = stream.right {
      models.append(
        model(names[names.count - 1], right, similarity.rightStatuses, similarity.rightSigmas))
    }
    let document = ResultDocument(
      estimator: ResultDocument.Estimator(
        .minibatch(
          .init(
            size: sizes.upperBound, passes: 1, order: .stored,
            ragged: sizes.count == 1 ? .drop : .keep))),
      kernel: ResultDocument.Kernel(stream.kernel), pooling: pooling, precision: precision,
      device: workers.first, sharingDevices: workers.sharing, failedDevices: workers.failed,
      models: models, undefinedCells: ResultDocument.Cell.undefined(in: similarity.statuses),
      examples: ResultDocument.Examples(
        total: stream.exampleCount, used: stream.exampleCount, dropped: 0,
        minibatches: stream.count), hasSignificance: similarity.z != nil)
    self.init(document, similarity)
  }
}
