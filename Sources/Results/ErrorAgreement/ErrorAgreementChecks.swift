import Analyses

extension ErrorAgreementDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try expect(count: 2, of: groups, "groups")
    for (index, group) in groups.enumerated() {
      let key = "groups[\(index)].networks"
      try expect(!group.networks.isEmpty, key, found: "none", expected: "at least one")
      for network in group.networks {
        try expect(network.accuracy, within: fractions, "\(key).accuracy")
      }
    }
    try expect(
      [
        "examples": examples, "classCount": classCount, "raisedProbabilities": raisedProbabilities,
      ], within: countable)
    try expect(repeats, within: 1...countable.upperBound, "repeats")
    try expect(seconds, within: durations, "seconds")
    try accuracy.first.check("accuracy.first")
    try accuracy.second.check("accuracy.second")
    try expect(accuracy.difference, within: scores, "accuracy.difference")
    try dispersion.check("dispersion")
    try firstAhead.check("firstAhead")
    try secondAhead.check("secondAhead")
    try classes.check("classes")
    try classGroups?.check("classGroups")
    for (index, model) in logistic.models.enumerated() {
      try expect(model.aic, within: plainNumbers, "logistic.models[\(index)].aic")
    }
    try expect(logistic.examples, within: countable, "logistic.examples")
    for (name, comparison) in [("group", logistic.group), ("interaction", logistic.interaction)] {
      let key = "logistic.\(name)"
      try expect(comparison.chiSquared, within: plainNumbers, "\(key).chiSquared")
      try expect(comparison.degreesOfFreedom, within: countable, "\(key).degreesOfFreedom")
    }
    for (name, found) in outputs {
      let key = "outputs.\(name)"
      try expect(
        OutputSimilarity.Measure(rawValue: name) != nil, "outputs", found: name,
        expected: "agreement, divergence or hellinger")
      for value in [found.withinFirst, found.withinSecond, found.between, found.gap] {
        try expect(value, within: plainNumbers, key)
      }
    }
  }

  /// All networks, those of A first.
  var networkCount: Int { groups.reduce(0) { $0 + $1.networks.count } }
}

extension ErrorAgreementDocument.Mean {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(mean, within: fractions, "\(key).mean")
    try expect(standardError, within: plainNumbers, "\(key).standardError")
    try expect(networks, within: countable, "\(key).networks")
  }
}

extension ErrorAgreementDocument.Dispersion {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(
      [
        "observed": observed, "sampling": sampling, "excess": excess, "meanPart": meanPart,
        "halves.between": halves.between, "halves.withinFirst": halves.withinFirst,
        "halves.withinSecond": halves.withinSecond, "halves.excess": halves.excess,
      ], within: plainNumbers, of: key)
    let scatters = halves.scatters
    let place = "\(key).halves.scatters"
    let networks = 0...1 << 20
    try expect(scatters.first, within: networks, "\(place).first")
    try expect(scatters.second, within: networks, "\(place).second")
    let (rows, columns) = (scatters.first + 1, scatters.second + 1)
    for (name, counts, cells) in [
      ("between", scatters.between, rows * columns),
      ("withinFirst", scatters.withinFirst, rows * rows),
      ("withinSecond", scatters.withinSecond, columns * columns),
    ] {
      try expect(count: cells, of: counts, "\(place).\(name)")
      for value in counts { try expect(value, within: countable, "\(place).\(name)") }
    }
  }
}

extension ErrorAgreementDocument.Ahead {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(limit, within: countable, "\(key).limit")
    try expect(choices, within: countable, "\(key).choices")
    try expect(chosen, within: scores, "\(key).chosen")
    try expect(judged, within: scores, "\(key).judged")
    for (index, example) in examples.enumerated() {
      let key = "\(key).examples[\(index)]"
      try expect(example.index, within: countable, "\(key).index")
      try expect(example.frequency, within: fractions, "\(key).frequency")
      try expect(example.chosen, within: scores, "\(key).chosen")
      try expect(example.judged, within: scores, "\(key).judged")
    }
  }
}

extension ErrorAgreementDocument.Subsets {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(
      [
        "tested": tested, "significant": significant, "significantAdjusted": significantAdjusted,
      ], within: countable, of: key)
    try expect(level, within: fractions, "\(key).level")
    try expect(!differences.isEmpty, "\(key).differences", found: "none", expected: "at least one")
    try expect(count, within: differences.count...differences.count, "\(key).count")
    for (index, found) in differences.enumerated() {
      let key = "\(key).differences[\(index)]"
      try expect(found.difference, within: scores, "\(key).difference")
      if let interval = found.interval {
        try expect(count: 2, of: interval, "\(key).interval")
        try expect(interval[0], within: plainNumbers, "\(key).interval[0]")
        try expect(interval[1], within: plainNumbers, "\(key).interval[1]")
        try expect(
          interval[0] <= interval[1], "\(key).interval[1]", found: String(interval[1]),
          expected: "\(interval[0]) or more")
      }
    }
  }
}
