# What each target is made of. Not for editing: `Scripts/check-cmake-sources.py --write` makes this
# file from Package.swift and the folders it names.

cka_c_library(CSystem Sources/System/CSystem
  SOURCES
    system_calls.c)

cka_swift_library(Support Sources/Support
  DEPENDS CSystem
  SOURCES
    Elapsed.swift
    Failure.swift
    Files/FileAside.swift
    Files/FileType.swift
    Files/FolderAside.swift
    Files/Mapping.swift
    Files/OwnFolder.swift
    Files/Reading.swift
    Files/SmallFile.swift
    Files/SystemCalls.swift
    Files/Writing.swift
    Memory/MachineLimits.swift
    Memory/ProcessMemory.swift
    Memory/Saturating.swift
    Text/ByteCount.swift
    Text/CSVRows.swift
    Text/ComposedLetters.swift
    Text/Format.swift
    Text/Hexadecimal.swift
    Text/Listed.swift
    Text/Note.swift
    Text/NumberFormat.swift
    Text/OneLine.swift
    Text/SafeFileName.swift
    Text/Suggestion.swift
    Text/TextTable.swift
    Text/Trimming.swift
    Threads/ConcurrentMap.swift
    Threads/Condition.swift
    Threads/Perform.swift
    Version.swift)

cka_swift_library(Activations Sources/Activations/Model
  DEPENDS Support
  SOURCES
    ActivationModel.swift
    ActivationSource.swift
    LayerActivations.swift
    LayerShape.swift
    ModelNames.swift
    NameBytes.swift
    ScalarType.swift
    StoredNumbers.swift
    WorkLine.swift
    WorkMeter.swift)

cka_system_library(CHDF5 Sources/System/CHDF5
  PKG_CONFIG hdf5
  TRAIT HDF5)

cka_c_library(CHDF5Process Sources/Activations/HDF5Process
  DEPENDS CHDF5 CHDF5
  SOURCES
    answer.c
    dataset.c
    driver.c
    process.c
    start.c
    walk.c)

cka_system_library(CLibzip Sources/System/CLibzip
  PKG_CONFIG libzip)

cka_system_library(CZlib Sources/System/CZlib
  PKG_CONFIG zlib
  TRAIT HDF5)

cka_swift_library(ActivationFiles Sources/Activations/Files
  DEPENDS Activations CHDF5Process CLibzip CSystem CZlib CZlib Support
  SOURCES
    ActivationFileError.swift
    ArrayLayout.swift
    ExampleList.swift
    FileKind.swift
    Folder.swift
    FoundArray.swift
    HDF5/HDF5Chunks.swift
    HDF5/HDF5Dataset.swift
    HDF5/HDF5Filters.swift
    HDF5/HDF5Listing.swift
    HDF5/HDF5Process.swift
    HDF5/HDF5Program.swift
    HDF5/HDF5Reader.swift
    HDF5/HDF5Type.swift
    HDF5/LZF.swift
    LayerList.swift
    MappedFile.swift
    ModelContents.swift
    ModelFiles.swift
    ModelReader.swift
    NPY/NPYHeader.swift
    NPY/NPYNumbers.swift
    NPY/NPYReader.swift
    NPY/NPYType.swift
    NPY/NPYWriter.swift
    NPZ/NPZReader.swift
    NPZ/ZipArchive.swift
    NPZ/ZipInput.swift
    NaturalOrder.swift
    Safetensors/SafetensorsReader.swift
    Safetensors/StrictJSON.swift
    Shards.swift
    TemporaryFile.swift
    TokenMask.swift
    TokenPooling.swift
    UnpackedArray.swift)

cka_system_library(COpenBLAS Sources/System/COpenBLAS
  PKG_CONFIG openblas)

cka_c_library(CPUKernels Sources/Activations/FeatureKernels
  SOURCES
    cpu_kernels.c
    half.c
    pairs.c
    wide_features.c)

cka_swift_library(Device Sources/Devices/Device
  DEPENDS Activations Support
  SOURCES
    Device.swift
    DeviceError.swift
    GramKernel.swift
    Matrix.swift
    PackedDevice.swift
    PackedTriangles.swift
    Precision.swift
    TiledDevice.swift)

cka_swift_library(Features Sources/Activations/Features
  DEPENDS Activations CPUKernels Support
  SOURCES
    FeatureMeans.swift
    FeatureReader.swift
    FeatureStage.swift
    StoredTypes.swift)

cka_swift_library(LinearAlgebra Sources/Devices/LinearAlgebra
  DEPENDS COpenBLAS Device
  SOURCES
    LinearAlgebraError.swift
    Product.swift
    SerialBLAS.swift
    SymmetricEigen.swift)

cka_swift_library(BLASDevice Sources/Devices/CPU
  DEPENDS COpenBLAS CPUKernels Device Features LinearAlgebra Support
  SOURCES
    BLASDevice.swift
    BLASGramStack.swift
    BLASGramTiles.swift
    Centering.swift
    CrossCovarianceNorms.swift
    GEMMBackend.swift
    Gram.swift
    GramMatrix.swift
    HSIC.swift
    Memory.swift
    PackedNumbers.swift
    Pipeline.swift
    RBF.swift
    RBFTiles.swift
    SharedGram.swift
    TileGram.swift
    Tiles.swift)

cka_swift_library(CKA Sources/CKA
  DEPENDS Activations Device Features LinearAlgebra Support
  SOURCES
    Comparison.swift
    ComparisonRun.swift
    DeviceTeam/DeviceJob.swift
    DeviceTeam/DeviceTeam.swift
    Estimator.swift
    EstimatorNames.swift
    ExampleNames.swift
    ExamplePairing.swift
    Float64/Float64Gram.swift
    Float64/Float64Median.swift
    Float64/Float64Products.swift
    Float64/Float64Sums.swift
    Float64/NarrowedGrams.swift
    Float64/Recomputation.swift
    FullBatch/FeatureSpace.swift
    FullBatch/FullBatchPartMaker.swift
    FullBatch/FullBatchRun.swift
    FullBatch/FullBatchSums.swift
    FullBatch/Plan/Calibration.swift
    FullBatch/Plan/ComparisonPlan.swift
    FullBatch/Plan/DeviceRates.swift
    FullBatch/Plan/FullBatchPlan.swift
    FullBatch/Plan/FullBatchPlanner.swift
    FullBatch/Plan/FullBatchWork.swift
    FullBatch/Plan/MemoryModel.swift
    HSICSums.swift
    Minibatches/ComparisonStream.swift
    Minibatches/MinibatchGrams.swift
    Minibatches/MinibatchPlan.swift
    Minibatches/MinibatchQueue.swift
    Minibatches/PrecomputedGram.swift
    Minibatches/ShuffledPrefix.swift
    NonFiniteValues.swift
    Similarity.swift
    Verification/NumPyRandom.swift
    Verification/Reference.swift
    Verification/Verification.swift
    Verification/VerificationText.swift)

cka_swift_library(Statistics Sources/Analyses/Statistics
  SOURCES
    BenjaminiHochberg.swift
    Distributions.swift
    HolmSidak.swift
    PearsonIII.swift
    Samples.swift
    SpecialFunctions.swift
    WilsonInterval.swift)

cka_swift_library(Analyses Sources/Analyses
  DEPENDS Activations CKA CPUKernels Device Features LinearAlgebra Statistics Support
  SOURCES
    Blocks/BlockDetector.swift
    Blocks/BlockEdges.swift
    Blocks/BlockNull.swift
    Blocks/BlockSimilarity.swift
    Blocks/BlockStructure.swift
    Blocks/LayerMatches.swift
    Components/ActivationTraits.swift
    Components/Bimodality.swift
    Components/ComponentAnalysis.swift
    Components/ComponentGaps.swift
    Components/ComponentMemory.swift
    Components/ComponentRun.swift
    Components/ComponentTiles.swift
    Components/ComponentWork.swift
    Components/Eigenpairs.swift
    Components/Float64Components.swift
    Components/Float64Tiles.swift
    Components/HCenteredGram.swift
    Components/ReducedMaps.swift
    Components/RemovalCurve.swift
    Convergence/Convergence.swift
    Convergence/ConvergencePoint.swift
    Convergence/ConvergenceRun.swift
    Depth/DepthCurves.swift
    Depth/DepthSimilarity.swift
    Depth/MapStatistics.swift
    Depth/ModelGroup.swift
    ErrorAgreement/AccuracyDifference.swift
    ErrorAgreement/ClassHierarchy.swift
    ErrorAgreement/DifferingExamples.swift
    ErrorAgreement/ErrorFindings.swift
    ErrorAgreement/ErrorStudy.swift
    ErrorAgreement/ExampleDispersion.swift
    ErrorAgreement/LogisticModels.swift
    ErrorAgreement/OutputSimilarity.swift
    ErrorAgreement/Predictions.swift
    ErrorAgreement/Relabeling.swift
    Points/Dendrogram.swift
    Points/GroupSeparation.swift
    Points/ModelDistance.swift
    Points/ModelPoints.swift
    Points/PlaneScaling.swift
    Probe/ClassLabels.swift
    Probe/LogisticRegression.swift
    Probe/Probe.swift
    Probe/ProbeDesign.swift
    Probe/ProbeMemory.swift
    Probe/StandardizedFeatures.swift
    Uncertainty/DropCurve.swift
    Uncertainty/Jackknife.swift
    Uncertainty/JackknifeMap.swift
    Uncertainty/LeftOutExample.swift
    Uncertainty/MapSignificance.swift
    Uncertainty/PairUncertainty.swift
    Uncertainty/PairingGrid.swift
    Uncertainty/PermutationMoments.swift
    Uncertainty/PermutationTest.swift
    Uncertainty/TwoGroups.swift
    Uncertainty/UCenteredGrams.swift
    Uncertainty/Uncertainty.swift
    Uncertainty/UncertaintyMemory.swift)

cka_system_library(CCairo Sources/System/CCairo
  PKG_CONFIG cairo)

cka_c_library(CKAHeader Sources/CInterface/Header
  SOURCES
    header.c)

cka_c_library(CKAKernels Kernels
  SOURCES
    kernels.c)

cka_system_library(COpenCL Sources/System/COpenCL
  PKG_CONFIG OpenCL)

cka_swift_library(OpenCLDevice Sources/Devices/OpenCL
  DEPENDS CKAKernels COpenCL Device Features Support
  SOURCES
    Gram/Centering.swift
    Gram/ChunkScratch.swift
    Gram/Gather.swift
    Gram/Gram.swift
    Gram/GramPipeline.swift
    Gram/GramPlan.swift
    Gram/GroupSender.swift
    Gram/MatrixShape.swift
    Gram/MedianSearch.swift
    Gram/MinibatchGrams.swift
    Gram/RBF.swift
    Gram/Summaries.swift
    OpenCLDevice.swift
    OpenCLDeviceDescription.swift
    Pairs/HSIC.swift
    Pairs/OpenCLGramStack.swift
    Pairs/PackedStack.swift
    Runtime/CacheFolder.swift
    Runtime/Calls.swift
    Runtime/DriverFolder.swift
    Runtime/DriverSearch.swift
    Runtime/Handles.swift
    Runtime/MemoryLedger.swift
    Runtime/OpenCLLimits.swift
    Runtime/ProgramCache.swift
    Runtime/Records.swift
    Runtime/Runtime.swift
    Runtime/SoleLaunch.swift
    Runtime/Workspace.swift
    Tensor/TensorSelfTest.swift
    Tensor/TensorUse.swift
    Tiles/CrossCovarianceNorms.swift
    Tiles/TileEntries.swift
    Tiles/TileGrams.swift
    Tiles/TilePasses.swift
    Tiles/TiledGramInput.swift
    Tuning/KernelVariant.swift
    Tuning/Peak.swift
    Tuning/Tuner.swift
    Tuning/TunerTrial.swift
    Tuning/Tuning.swift
    Tuning/TuningStore.swift)

cka_swift_library(DeviceRegistry Sources/Devices/Registry
  DEPENDS BLASDevice Device OpenCLDevice
  SOURCES
    DeviceRegistry.swift
    DeviceSelection.swift
    DeviceTable.swift
    SelfTest.swift)

cka_swift_library(Figures Sources/Figures/Drawing
  DEPENDS CCairo CZlib Support
  SOURCES
    AxisLabels.swift
    Canvas.swift
    CellBlocks.swift
    ChartAxis.swift
    Charts/DensityChart.swift
    Charts/DensityChartDrawing.swift
    Charts/GroupMarks.swift
    Charts/IntervalChart.swift
    Charts/IntervalChartLayout.swift
    Charts/LineChart.swift
    Charts/LineChartColumns.swift
    Charts/LineChartDrawing.swift
    Charts/LineChartLayout.swift
    Charts/ScatterChart.swift
    Charts/TreeChart.swift
    ColorMap.swift
    CountScale.swift
    DisplayText.swift
    Drawing.swift
    FigureError.swift
    FigureFormat.swift
    FigureGrid.swift
    FigureStyle.swift
    Geometry.swift
    LabelPlaces.swift
    Legend.swift
    Magma.swift
    Maps/Heatmap.swift
    Maps/HeatmapDrawing.swift
    Maps/HeatmapGrid.swift
    Maps/HeatmapLayout.swift
    Maps/HeatmapSides.swift
    PNGFile.swift
    PageStyle.swift
    PixelImage.swift
    SVGCorrections.swift
    ScoreScale.swift
    ScreenColors.swift
    ShortNames.swift
    Surface.swift
    Terminal/TerminalFrame.swift
    Terminal/TerminalMap.swift
    Terminal/TerminalPainter.swift
    Terminal/TerminalText.swift
    TextMeter.swift
    Ticks.swift)

cka_swift_library(Inputs Sources/Analyses/Inputs
  DEPENDS ActivationFiles Activations Analyses Support
  SOURCES
    ErrorsInput.swift
    Labels.swift
    MapCell.swift
    ModelPair.swift
    ModelSelection.swift
    ModelTable.swift
    OpenModel.swift)

cka_c_library(CReportPage Sources/Figures/ReportPage
  SOURCES
    report_page.c)

cka_swift_library(Report Sources/Figures/Report
  DEPENDS CReportPage Figures
  SOURCES
    Document.swift
    Map.swift
    Numbers.swift
    Page.swift
    Report.swift
    ReportChecks.swift)

cka_system_library(CMPI Sources/System/CMPI
  PKG_CONFIG ompi-c
  TRAIT MPI)

cka_system_library(CXXHash Sources/System/CXXHash
  PKG_CONFIG libxxhash)

cka_swift_library(SweepStore Sources/Results/Store
  DEPENDS Activations CKA CMPI CPUKernels CXXHash Device Support
  SOURCES
    BinaryHeader.swift
    CheckedDocument.swift
    Digest.swift
    FileStamp.swift
    GramFile.swift
    GramMaker.swift
    MPIProcessGroup.swift
    ModelEntry.swift
    NewFile.swift
    NewStore.swift
    ProcessGroup.swift
    ProductMaker.swift
    ProductsFile.swift
    RowDigest.swift
    Store.swift
    StoreChecks.swift
    StoreError.swift
    StoreLock.swift
    StoreMerge.swift
    Sweep.swift
    SweepModels.swift
    SweepResults.swift
    SweepSettings.swift
    SweepSummary.swift)

cka_swift_library(Results Sources/Results
  DEPENDS ActivationFiles Activations Analyses CKA CSystem Device Inputs Statistics Support SweepStore
  SOURCES
    Blocks/AcrossModels.swift
    Blocks/BlockFindings.swift
    Blocks/BlockSpans.swift
    Blocks/BlocksDocument.swift
    Blocks/BlocksInput.swift
    Blocks/BlocksNotes.swift
    Blocks/BlocksResult.swift
    Compare/ChosenExamples.swift
    Compare/CompareResult.swift
    Compare/CompareText.swift
    Compare/ComparisonNotes.swift
    Compare/DroppedExamples.swift
    Compare/DryRun.swift
    Compare/PlanRecord.swift
    Compare/Planning.swift
    Compare/ResultBlocks.swift
    Compare/ResultDocument.swift
    Compare/ResultRecords.swift
    Compare/StreamedResult.swift
    Components/ComponentsChecks.swift
    Components/ComponentsDocument.swift
    Components/ComponentsResult.swift
    Components/ComponentsText.swift
    Convergence/ConvergeDocument.swift
    Convergence/ConvergeResult.swift
    Convergence/ConvergeText.swift
    Documents/DocumentChecks.swift
    Documents/MemoryShortage.swift
    Documents/NonFiniteExamples.swift
    Documents/RunRecord.swift
    Documents/StoredDocument.swift
    Documents/TeamNotes.swift
    Documents/UndefinedReason.swift
    ErrorAgreement/ErrorAgreementChecks.swift
    ErrorAgreement/ErrorAgreementDocument.swift
    ErrorAgreement/ErrorAgreementNotes.swift
    ErrorAgreement/ErrorAgreementResult.swift
    ErrorAgreement/ErrorAgreementTable.swift
    Inspect/InspectDocument.swift
    Inspect/InspectText.swift
    Probe/ProbeDocument.swift
    Probe/ProbeNotes.swift
    Probe/ProbeResult.swift
    Reading/ResultPlace.swift
    Reading/WrittenNumbers.swift
    Sweep/SweepDocument.swift
    Sweep/SweepFileNames.swift
    Sweep/SweepFolder.swift
    Sweep/SweepPoints.swift
    Sweep/SweepResult.swift
    Sweep/SweepTable.swift
    Sweep/SweepText.swift
    Uncertainty/UncertaintyChecks.swift
    Uncertainty/UncertaintyDocument.swift
    Uncertainty/UncertaintyNotes.swift
    Uncertainty/UncertaintyResult.swift
    Uncertainty/UncertaintyText.swift
    Writing/OutputBytes.swift
    Writing/ResultFile.swift
    Writing/ResultFolder.swift)

cka_swift_library(ResultFigures Sources/Figures/Results
  DEPENDS Activations Analyses CKA Device Figures Inputs Report Results Support SweepStore
  SOURCES
    BlocksFigures.swift
    BlocksReport.swift
    CompareFigures.swift
    CompareReport.swift
    ComponentsFigures.swift
    ComponentsReport.swift
    ConvergeFigures.swift
    ConvergeReport.swift
    DrawableResult.swift
    ErrorAgreementFigures.swift
    ErrorAgreementReport.swift
    FigureFailure.swift
    FigureLook.swift
    ProbeFigures.swift
    ProbeReport.swift
    Redrawing.swift
    ReportParts.swift
    Sweep/GroupMaps.swift
    Sweep/SweepFigures.swift
    Sweep/SweepOutputs.swift
    Sweep/SweepOverview.swift
    Sweep/SweepPointsFigure.swift
    Sweep/SweepReport.swift
    UncertaintyFigures.swift
    UncertaintyReport.swift)

cka_swift_library(CInterface Sources/CInterface/Library
  DEPENDS ActivationFiles Activations Analyses CKA CKAHeader Device DeviceRegistry Figures Inputs ResultFigures Results Support SweepStore
  SOURCES
    Analyses/Collecting.swift
    Analyses/Comparing.swift
    Analyses/Predicting.swift
    Analyses/Progress.swift
    Analyses/Streaming.swift
    Objects/Handles.swift
    Objects/Models.swift
    Options/DeviceOptions.swift
    Options/EstimatorOptions.swift
    Options/ModelOptions.swift
    Options/Options.swift
    Results/Found.swift
    Results/ResultCalls.swift)

cka_c_library(CProcessSetup Sources/Commands/ProcessSetup
  SOURCES
    freed_memory.c
    mapped_files.c)

cka_swift_library(CommandSupport Sources/Commands/Support
  DEPENDS Activations ArgumentParser COpenBLAS CProcessSetup Device Logging OpenCLDevice Support
  SOURCES
    BundledFonts.swift
    Console.swift
    OpenCLDrivers.swift
    OptionRanges.swift
    ProcessSetup.swift
    Progress.swift
    ReportingFailures.swift)

cka_command(CKABench Benchmarks/CKABench
  PRODUCT cka-bench
  DEPENDS ActivationFiles ArgumentParser CKA COpenBLAS CSystem CommandSupport DeviceRegistry Figures Logging OpenCLDevice Support
  SOURCES
    Bench.swift
    Child.swift
    DeviceMeasurement.swift
    Devices.swift
    Diff.swift
    Document.swift
    Float64Reference.swift
    Limits.swift
    Machine.swift
    Measure.swift
    MeasureLimit.swift
    Models.swift
    Peers.swift
    Race.swift
    Run.swift
    RunTable.swift
    RunningProgram.swift
    Scaling.swift
    ScalingSeries.swift
    Synthesize.swift
    SyntheticModels.swift
    TemporaryFolder.swift
    TuneCommand.swift
    Workload.swift)

cka_command(CKACommand Sources/Commands/CKA
  PRODUCT cka
  DEPENDS ActivationFiles Analyses ArgumentParser CKA CSystem CommandSupport DeviceRegistry Figures Inputs Logging Report ResultFigures Results Statistics Support SweepStore
  SOURCES
    BlocksCommand.swift
    Command.swift
    CompareCommand.swift
    ComponentsCommand.swift
    ConvergeCommand.swift
    DevicesCommand.swift
    ErrorsCommand.swift
    InspectCommand.swift
    MergeCommand.swift
    Options/CountList.swift
    Options/DeviceOption.swift
    Options/EstimatorOptions.swift
    Options/ExampleOptions.swift
    Options/FigureOptions.swift
    Options/KernelOptions.swift
    Options/LayerOptions.swift
    Options/ModelPairOptions.swift
    Options/NameOption.swift
    Options/OutputOptions.swift
    Options/ReportOption.swift
    Options/StoreResultOptions.swift
    Options/WorkOptions.swift
    PlotCommand.swift
    ProbeCommand.swift
    Ranks.swift
    SweepCommand.swift
    TerminalMap.swift
    TrustCommand.swift
    VerifyCommand.swift)
