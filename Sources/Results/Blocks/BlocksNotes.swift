import Analyses
import Device
import Support

extension BlocksDocument {
  /// What was found in maps.
  public init(_ findings: BlockFindings) {
    let (input, across, detector) = (findings.input, findings.across, findings.detector)
    let hasPairs = !input.pairs.isEmpty
    let curves = across.depthCurves.curves.map {
      Curve(left: $0.left, right: $0.right, similarity: $0.means.map(jsonNumber))
    }
    self.init(
      detector: .init(detector),
      models: zip(input.networks, findings.structures).map { .init($0, $1, by: detector) },
      pairs: hasPairs ? across.pairs : nil, matching: hasPairs ? across.matching : nil,
      curves: hasPairs ? curves : nil,
      result: input.networks.count == 1 ? input.networks[0].document : nil)
  }

  /// Models with few layers, or with layers without values, and groups that are not matched with themselves.
  package func notes(_ findings: BlockFindings) -> [Note] {
    var notes: [Note] = []
    for model in models {
      let defined = model.layers - model.undefinedLayers.count
      if model.shortfalls?.contains(BlockStructure.Shortfall.tooFewLayers.rawValue) ?? false {
        notes.append(
          .warning(
            """
            \(oneLine(model.path)): has values for only \(defined) layers, too few for a block of \
            \(model.minimumSize) and layers beyond it
            """))
      }
      if !model.undefinedLayers.isEmpty {
        notes.append(
          .warning(
            "\(oneLine(model.path)): \(model.undefinedLayers.count) layers without values are left out"
          )
        )
      }
    }
    return notes
      + findings.across.unlikeGroups.map {
        .warning(
          "\(oneLine($0)): its models have different layer names, so layers are not matched across "
            + "seeds")
      }
  }
}
