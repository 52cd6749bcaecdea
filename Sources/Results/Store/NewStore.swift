import Activations
import CKA
import Support

extension Sweep {
  /// What `store.json` of a new store says: of the examples of the first of `models`, without those that hold
  /// NaN or infinity in any layer of any of them, where that is asked for. All of them are read for it.
  static func document(
    _ settings: SweepSettings, _ shard: Shard?, models paths: [String],
    _ openModel: (String) throws -> ActivationModel, _ observe: (Event) -> Void
  ) throws -> Store.Document {
    let first = try openModel(paths[0])
    var document = Store.Document(
      settings: settings, exampleCount: first.exampleCount, dropped: nil, shard: shard)
    if settings.dropExamples != nil {
      var bad: Set<Int> = []
      for (index, path) in paths.enumerated() {
        let model = index == 0 ? first : try openModel(path)
        let pairing = try ExamplePairing(
          first, index == 0 ? nil : model, alignment: settings.alignmentValue,
          limit: settings.exampleLimit, seed: settings.seed)
        for found in try NonFiniteValues.find(in: model.layers, examples: pairing.right) {
          bad.formUnion(found?.places.map { pairing.left[$0] } ?? [])
        }
      }
      let compared = document.comparedCount
      guard bad.count < compared else {
        throw StoreError(
          .data, paths.map(oneLine).joined(separator: ", "),
          "all \(compared) examples have NaN or infinity in some layer; leave out layers with "
            + "--exclude")
      }
      document.dropped = bad.sorted()
      if !bad.isEmpty { observe(.dropped(examples: bad.sorted(), of: compared)) }
    }
    document.settings.chooseBatchSize(compared: document.comparedCount)
    return document
  }

  /// The plan of a new store, if its models' examples suffice for one.
  static func check(
    _ document: Store.Document, path: String
  ) throws(StoreError) -> MinibatchPlan {
    let (settings, compared) = (document.settings, document.comparedCount)
    let least = settings.estimatorValue.centering.leastExamples
    guard compared >= least else {
      throw StoreError(
        .data, path,
        "\(compared) example\(compared == 1 ? " is" : "s are") compared, the "
          + "\(settings.estimator.rawValue) estimator needs at least \(least)")
    }
    var whole = document
    whole.shard = nil
    let plan = try whole.checkedPlan { field, found, expected in
      StoreError(.usage, path, "cannot be swept: \(field): found \(found), expected \(expected)")
    }
    let batches = plan.batches.count
    if let shard = document.shard, shard.count > batches {
      throw StoreError(
        .usage, "--shard \(shard)",
        "there are more shards than minibatches, of which \(path) has \(batches)")
    }
    return plan
  }
}
