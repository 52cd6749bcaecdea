/// What files a sweep, or `cka plot`, writes into the folder `results` of a store.
package enum SweepFileNames {
  /// What maps a group may have.
  package static let maps = ["mean", "std", "within-mean", "within-std"]

  /// All files that may be in the folder of a group.
  static let group = Set(
    maps.flatMap { ["\($0).npy", "\($0).csv"] + ResultNames.pictures($0) })

  /// All files that may be beside the folders of pairs and groups.
  static let all = Set(
    [SweepDocument.name, SweepTable.name, ResultNames.page, "models.npy", "models.csv"]
      + ["grid", "models"].flatMap(ResultNames.pictures) + distances + points)

  /// Those of the distances of models.
  private static let distances = SweepDocument.Points.Distance.allCases.flatMap {
    ["\($0.matrixName).npy", "\($0.matrixName).csv"]
  }

  /// Those of models as points.
  package static let points = SweepDocument.Points.Distance.allCases.flatMap {
    ["\($0.pointsName).csv"] + ResultNames.pictures($0.pointsName)
  }
}
