import Activations
import Support

extension ErrorAgreementDocument {
  /// The findings for people.
  package var text: String { table.text + sentences.map { $0 + "\n" }.joined() }

  /// The numbers of both groups, with their values for random groups.
  package var table: TextTable {
    let (a, b) = (oneLine(groups[0].name), oneLine(groups[1].name))
    var table = TextTable([
      ("", .left), ("within \(a)", .right), ("within \(b)", .right), ("between", .right),
      ("null", .right), ("p", .right),
    ])
    table.add([
      "accuracy", percent(accuracy.first), percent(accuracy.second),
      signed(accuracy.difference * 100) + " points", "", p(accuracy.welch?.p),
    ])
    let halves = dispersion.halves
    table.add([
      "per-example accuracy, RMS difference of halves (points)", root(halves.withinFirst),
      root(halves.withinSecond), root(halves.between), "", "",
    ])
    table.add([
      "  excess dispersion, signed root (points)", "", "", root(dispersion.excess), "",
      p(dispersion.chance.p),
    ])
    table.add([
      "v² of example × group", "", "", number(logistic.effectSize),
      number(logistic.chance.mean), p(logistic.chance.p),
    ])
    for (measure, name) in [
      ("agreement", "agreement of predictions"), ("divergence", "symmetric divergence, nats"),
      ("hellinger", "Hellinger distance"),
    ] {
      guard let found = outputs[measure] else { continue }
      table.add([
        name, number(found.withinFirst), number(found.withinSecond), number(found.between), "",
        p(found.chance.p),
      ])
    }
    return table
  }

  /// The counts, one sentence each.
  package var sentences: [String] {
    let (a, b) = (oneLine(groups[0].name), oneLine(groups[1].name))
    var lines: [String] = []
    lines.append(
      "\(Format.count(examples)) examples, \(classCount) classes; \(a): \(groups[0].networks.count) "
        + "networks, \(b): \(groups[1].networks.count)")
    lines.append(sentence(classes, "classes"))
    if let classGroups { lines.append(sentence(classGroups, "groups of classes")) }
    lines.append(sentence(firstAhead, a))
    lines.append(sentence(secondAhead, b))
    let aic = logistic.models.map { Format.fixed($0.aic, 1) }.joined(separator: ", ")
    let test = logistic.interaction
    lines.append(
      "logistic models (examples; + group; + example × group): AIC \(aic); third against second: χ² "
        + "\(Format.fixed(test.chiSquared, 1)) on \(Format.count(test.degreesOfFreedom)) degrees of "
        + "freedom; for its p see v²")
    return lines
  }

  private func sentence(_ found: Subsets, _ what: String) -> String {
    "\(found.significant) of \(found.count) \(what) differ with p < \(found.level), "
      + "\(found.significantAdjusted) after the Holm–Šidák correction"
  }

  private func sentence(_ found: Ahead, _ name: String) -> String {
    guard let chosen = found.chosen, let judged = found.judged else {
      return "\(name) is ahead on no example"
    }
    // There may be fewer than `limit` that it is ahead on at all.
    let count = found.examples.count
    let examples = count == 1 ? "example" : "\(Format.count(count)) examples"
    return
      "the \(examples) on which \(name) is furthest ahead: by \(Format.fixed(chosen * 100, 1)) points "
      + "on the networks they were chosen on, \(Format.fixed(judged * 100, 1)) points on held-out "
      + "networks"
  }

  private func percent(_ mean: Mean) -> String {
    let error = mean.standardError.map { " ± \(Format.fixed($0 * 100, 2))" } ?? ""
    return "\(Format.fixed(mean.mean * 100, 2))\(error) %"
  }

  /// The root of a mean square in percentage points; of a negative excess with its sign.
  private func root(_ square: Double?) -> String {
    guard let square else { return "" }
    let value = (square < 0 ? -1 : 1) * abs(square).squareRoot() * 100
    // Treats rounding errors of a true 0 as 0.
    return "\(Format.fixed(abs(value) < 0.005 ? 0 : value, 2))"
  }

  private func number(_ value: Double?) -> String { value.map { Format.fixed($0, 4) } ?? "" }

  private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + Format.fixed(value, 2) }

  private func p(_ value: Double?) -> String {
    guard let value else { return "–" }
    // The tail of many degrees of freedom may be smaller than any number.
    if value == 0 { return "< 1e-300" }
    return value < 0.001 ? Format.scientific(value) : Format.fixed(value, 3)
  }
}
