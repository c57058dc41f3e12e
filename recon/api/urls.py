"""Routes of reconciliation under /api/v1/."""

from django.urls import path

from recon.api import acts, chains, sources, views

urlpatterns = [
    path("sources", sources.Sources.as_view()),
    path("sources/<code:code>", sources.SourceDetail.as_view()),
    path("sources/<code:code>/format", sources.SourceFormat.as_view()),
    path("sources/<code:code>/feed", sources.SourceFeed.as_view()),
    path("sources/<code:code>/calendar", sources.SourceCalendar.as_view()),
    path("sources/<code:code>/waivers", sources.SourceWaivers.as_view()),
    path("sources/<code:code>/samples", sources.SourceSamples.as_view()),
    path("sources/<code:code>/mappings", sources.Mappings.as_view()),
    path("sources/<code:code>/mappings/trial", sources.MappingTrial.as_view()),
    path("sources/<code:code>/mappings/<int:number>", sources.MappingDetail.as_view()),
    path("sources/<code:code>/mappings/<int:number>/submit", sources.MappingSubmission.as_view()),
    path("chains", chains.Chains.as_view()),
    path("chains/<code:code>", chains.ChainDetail.as_view()),
    path("chains/<code:code>/blocks", chains.ChainBlocks.as_view()),
    path("chains/<code:code>/ranges", chains.ChainRanges.as_view()),
    path("chains/<code:code>/transfers", chains.ChainTransfers.as_view()),
    path("files", views.Files.as_view()),
    path("files/<uuid:file_id>", views.FileDetail.as_view()),
    path("files/<uuid:file_id>/bytes", views.FileBytes.as_view()),
    path("files/<uuid:file_id>/accept", views.FileAcceptance.as_view()),
    path("statements", views.Statements.as_view()),
    path("statements/<uuid:statement_id>", views.StatementDetail.as_view()),
    path("statements/<uuid:statement_id>/lines", views.StatementLines.as_view()),
    path("reconciliations", views.Reconciliations.as_view()),
    path("reconciliations/<int:reconciliation_id>/runs", views.ReconciliationRuns.as_view()),
    path("runs", views.Runs.as_view()),
    path("runs/<uuid:run_id>", views.RunDetail.as_view()),
    path("breaks", views.Breaks.as_view()),
    path("breaks/<uuid:break_id>", acts.BreakDetail.as_view()),
    path("breaks/<uuid:break_id>/assign", acts.Assignment.as_view()),
    path("breaks/<uuid:break_id>/comments", acts.Comments.as_view()),
    path("breaks/<uuid:break_id>/match", acts.ManualMatch.as_view()),
    path("breaks/<uuid:break_id>/adjustments", acts.Adjustments.as_view()),
    path("proposals/<uuid:proposal_id>/versions", acts.AdjustmentVersions.as_view()),
]
