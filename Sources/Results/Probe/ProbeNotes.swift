import Activations
import Analyses
import CKA
import Device
import Support

extension Probe {
  /// A probe of some examples, whose labels come from a file.
  ///
  /// - Parameters:
  ///   - all: the labels of all examples.
  ///   - path: the file of the labels.
  package init(
    _ model: any ActivationSource, examples: [Int], labels all: [Int], from path: String,
    testFraction: Double, seed: UInt64, penalty: Double
  ) throws(Failure) {
    let classes = ClassLabels(examples.map { all[$0] })
    do throws(ProbeError) {
      let split = try ProbeSplit(classes, testFraction: testFraction, seed: seed)
      try self.init(model, examples: examples, labels: classes, split: split, penalty: penalty)
    } catch {
      throw Failure(.data, "\(oneLine(path)): \(error.description)")
    }
  }

  /// Throws where not even one layer after the other fits.
  ///
  /// - Parameter isLimited: whether the user gave the limit.
  package func checkMemory(on team: DeviceTeam, isLimited: Bool) throws(Failure) {
    try team.checkMemory(
      isLimited: isLimited,
      for:
        "\(Format.count(examples.count)) examples of \(Format.count(labels.classes.count)) classes",
      or: "fewer --examples", least: leastMemory)
  }

  /// Throws where no layer has a value to write.
  package func checkValues(of results: [LayerResult], path: String) throws(Failure) {
    guard results.contains(where: { $0.status == .ok }) else {
      throw Failure(.data, "\(oneLine(path)): no layer has a value; nothing was written")
    }
  }

  /// The layers that have no accuracies, or whose fits did not end. Those that are not finite are read once
  /// more.
  ///
  /// - Parameter path: the model's file or folder.
  package func notes(
    of results: [LayerResult], path: String
  ) throws(ActivationReadError) -> [Note] {
    let nonFinite = try nonFiniteExamples(of: model.layers, results.map(\.status), examples)
    return zip(model.layers, results).enumerated().compactMap { index, found in
      let (layer, result) = found
      let name = "\(oneLine(path)): layer \(oneLine(layer.name))"
      switch result.status {
      case .constant:
        return .warning("\(name) is undefined: constant over the training examples")
      case .ok:
        return result.isConverged
          ? nil
          : .warning("\(name): the fit had not converged after \(result.iterations) steps")
      default:
        let reason = nonFinite[index]?.words ?? result.status.rawValue
        return .warning("\(name) is undefined: \(reason)")
      }
    }
  }
}
